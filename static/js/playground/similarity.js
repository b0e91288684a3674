/** Return the cosine of the angle between two vectors; 0 where one of them has no length. */
export function cosine(one, other) {
  let product = 0;
  let ones = 0;
  let others = 0;
  for (let at = 0; at < one.length; at += 1) {
    product += one[at] * other[at];
    ones += one[at] ** 2;
    others += other[at] ** 2;
  }
  return ones && others ? product / Math.sqrt(ones * others) : 0;
}
