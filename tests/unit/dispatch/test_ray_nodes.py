"""What a job asks of the nodes of a Ray cluster."""

import pytest

from harness.dispatch.ray_nodes import Demand, demand_of, describe
from harness.matrix.launching import Launching

BOX = {"CPU": 8.0, "GPU": 2.0, "memory": 64e9, "object_store_memory": 1e9}


@pytest.mark.parametrize(
    ("demand", "jobs"),
    [
        (Demand(0, 1, None), 8),
        (Demand(0, 3, None), 2),
        (Demand(0, 9, None), 0),
        (Demand(1, 1, None), 2),
        (Demand(2, 1, None), 1),
        (Demand(3, 1, None), 0),
        (Demand(0.5, 1, None), 4),
        (Demand(0.5, 4, None), 2),
        (Demand(0.4, 1, None), 4),  # two on each GPU; a job is never spread over two
        (Demand(0.1, 1, None), 8),
        (Demand(1, 1, 40 * 10**9), 1),
        (Demand(0, 1, 65 * 10**9), 0),
    ],
)
def test_node_holds_as_many_jobs_as_its_scarcest_resource(demand: Demand, jobs: int) -> None:
    """GPUs are shared in fractions, one by one; cores and memory as a whole."""
    assert demand.fit(BOX) == jobs


def test_gpu_holds_the_jobs_that_its_fraction_says() -> None:
    """A fraction that binary numbers do not hold exactly is not rounded to one job less."""
    box = {"CPU": 1000.0, "GPU": 1.0}
    assert [Demand(1 / n_ways, 1, None).fit(box) for n_ways in range(1, 101)] == list(range(1, 101))


def test_node_without_cores_holds_nothing() -> None:
    """A head that is kept for Ray itself is no place for a job."""
    assert Demand(0, 1, None).fit({"memory": 64e9}) == 0


@pytest.mark.parametrize(
    ("options", "nodes", "demand"),
    [
        ({}, [{"CPU": 8.0}], Demand(0.0, 1, None)),
        ({}, [{"CPU": 8.0}, BOX], Demand(1.0, 1, None)),
        ({"gpus": 0}, [BOX], Demand(0.0, 1, None)),
        ({"gpus": 1 / 3}, [BOX], Demand(0.3333, 1, None)),
        ({"gpus": 2 / 3}, [BOX], Demand(0.6666, 1, None)),
        ({"gpus": 0.29}, [BOX], Demand(0.29, 1, None)),
        ({"gpus": 1e-9}, [BOX], Demand(0.0001, 1, None)),
        ({"gpus": 0.25, "cpus": 2, "memory": "12G"}, [BOX], Demand(0.25, 2, 12 * 10**9)),
    ],
)
def test_demand_follows_options_and_what_there_is(
    options: dict[str, object], nodes: list[dict[str, float]], demand: Demand
) -> None:
    """What is not said is one core, and one GPU where the cluster has any."""
    assert demand_of(Launching.model_validate({"kind": "ray", **options}), nodes) == demand


def test_demand_is_what_ray_is_asked_for() -> None:
    """Memory is named only when it was asked for, since Ray counts it then."""
    assert Demand(0.5, 2, None).options() == {"num_gpus": 0.5, "num_cpus": 2}
    assert Demand(0, 1, 10**9).options() == {"num_gpus": 0, "num_cpus": 1, "memory": 10**9}


def test_demand_and_offer_can_be_read() -> None:
    """Messages say both in the same words."""
    assert str(Demand(0.5, 2, 12 * 10**9)) == "0.5 GPU, 2 CPU, 12 GB memory"
    assert describe(BOX) == "2 GPU, 8 CPU, 64 GB memory"
