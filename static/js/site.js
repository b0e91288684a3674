// What every page has. Each module looks for its own elements and leaves the others alone.
import "./copy.js";
import "./forms.js";
import "./times.js";
