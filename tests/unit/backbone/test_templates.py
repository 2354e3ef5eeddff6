"""Sets of templates."""

import pytest
import torch

from harness.backbone.templates import SELECTED_TEMPLATES, ensemble, ensemble_templates


def test_ensemble_is_the_mean_direction() -> None:
    """Each template counts the same, however long its features are, and the result has length one."""
    features = torch.tensor([[[2.0, 0.0]], [[0.0, 0.5]]])
    assert ensemble(features).tolist() == [pytest.approx([0.5**0.5, 0.5**0.5])]


def test_own_template_stands_behind_the_selected() -> None:
    """Asking twice gives the same templates: nothing is added to a shared list."""
    own = "a photo of a {}, a type of pet."
    assert ensemble_templates(own) == ensemble_templates(own) == (*SELECTED_TEMPLATES, own)
    assert ensemble_templates(None) == SELECTED_TEMPLATES


def test_every_template_has_one_place_for_the_name() -> None:
    """The selected seven are plain sentences."""
    assert len(SELECTED_TEMPLATES) == 7
    assert all(template.count("{}") == 1 for template in SELECTED_TEMPLATES)
