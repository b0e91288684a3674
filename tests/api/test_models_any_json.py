"""Whatever JSON is sent to the models API, it is answered and never crashes."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.api.native.models.serializers import ModelSerializer
from inference.registry.models import Model
from tests.model_rows import WHEEL
from tests.people import admin_person, caller, key_of

FIELDS = sorted(ModelSerializer().fields)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@pytest.mark.django_db
@pytest.mark.usefixtures("store_away")
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4))
def test_any_values_are_stored_or_refused_by_the_name_of_a_field(body: dict[str, Any]) -> None:
    sent = {"name": "new", "source": WHEEL, **body}
    Model.objects.all().delete()
    client = caller(_admin_key())
    response = client.post("/api/v1/models", json.dumps(sent), "application/json")
    if response.status_code == 201:
        assert Model.objects.count() == 1
    else:
        assert response.status_code == 400
        assert response.json()["param"].split("[")[0] in FIELDS
        assert not Model.objects.exists()


def _admin_key() -> str:
    from accounts.models import User

    User.objects.all().delete()
    return key_of(admin_person())
