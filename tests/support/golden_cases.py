"""The recorded trainings of the authors' code, by the names of their files; a file that is missing is an error."""

COOP_CASES = (
    "coop_rn_end_unified_m4",
    "coop_vit_end_csc_m4",
    "coop_vit_end_unified_ctxinit",
    "coop_vit_end_unified_m4",
    "coop_vit_front_unified_m4",
    "coop_vit_middle_csc_m4",
    "coop_vit_middle_unified_ctxinit",
    "coop_vit_middle_unified_m4",
    "coop_vit_middle_unified_m4_wd0.1",
)
