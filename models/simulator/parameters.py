"""The types of the simulator's numbers, in the order of ``parameters.toml``."""

from __future__ import annotations

# These names are needed when the file is read: the reader asks each class for its types.
from collections.abc import Mapping  # noqa: TC003
from dataclasses import dataclass

from models.simulator.distributions import LogNormal, Normal, Uniform  # noqa: TC001


@dataclass(frozen=True, slots=True)
class ParticipantParameters:
    """How people differ."""

    floor_uv: LogNormal
    mvc_uv: LogNormal
    motor_units: Uniform
    muap_lambda_ms: Normal
    discharge_cv: Uniform
    common_drive_cv: Uniform
    hum_uv: LogNormal
    mains_60_hz_share: float
    ecg_uv: Uniform
    pulse_uv: Uniform
    heart_rate_hz: Uniform
    restlessness: LogNormal
    plm_per_hour: LogNormal
    rls_share: float
    rhythmic_share: float
    myoclonus_per_hour: LogNormal
    cramps_per_week: LogNormal
    weak_cramp_share: Uniform
    noise_share: float
    cramp_habit_gsd: float
    shank_pitch_deg: Uniform
    pose_shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PoolParameters:
    """The motor-unit pool and what electrodes see of it."""

    threshold_range: float
    twitch_range: float
    min_rate_hz: float
    peak_rate_first_hz: float
    peak_rate_span_hz: float
    gain_hz: float
    muscle_width_cm: float
    depth_cm: Uniform
    attenuation_power: float
    amplitude_gsd: float
    lambda_unit_sd: float
    second_lobe: Uniform
    channel_delay_ms: Uniform
    electrode_span_share: float
    electrode_gain_gsd: float
    placement_sd_cm: float


@dataclass(frozen=True, slots=True)
class CrampParameters:
    """The cramp itself, its forerunners and its aftermath."""

    duration_s: LogNormal
    second_share: float
    second_gap_min: LogNormal
    territory_share: Uniform
    drift_cm_per_min: Uniform
    unit_onset_s: float
    growth_s: Uniform
    rate_hz: Normal
    early_boost: Uniform
    early_s: float
    interval_cv: Normal
    calm_share: float
    calm_factor: Uniform
    common_hz: float
    common_sd_hz: float
    common_depth: float
    doublet_share: float
    doublet_ms: Uniform
    unit_active_s: LogNormal
    unit_pause_s: float
    width_factor: Uniform
    slowing_per_s: Uniform
    wax_depth: Uniform
    wax_hz: Uniform
    fade_share: float
    fade_s: Uniform
    fade_to: Uniform
    stretch_end_share: float
    stretch_end_s: Uniform
    spontaneous_end_s: Uniform
    burst_s: Uniform
    burst_level: Uniform
    silence_s: Uniform
    weak_multiple: Uniform
    strong_level: Uniform
    fasciculation_share: float
    fasciculation_rate_hz: Uniform
    fasciculation_before_s: Uniform
    fasciculation_after_s: Uniform
    residual_share: float
    residual_s: LogNormal
    residual_multiple: Uniform
    still_share: float
    wake_latency_s: Uniform
    bulge_mg: Uniform
    grab_g: Uniform
    grab_turn_share: float
    stand_share: float
    massage_share: float
    walk_share: float


@dataclass(frozen=True, slots=True)
class CourseParameters:
    """The envelope of a cramp in a muscle without motor units."""

    ramp_power: Uniform
    flutter_hz: Uniform
    flutter_depth: Uniform
    beat_share: float
    beat_hz: Uniform
    beat_depth: Uniform
    steady_share: float


@dataclass(frozen=True, slots=True)
class NoiseParameters:
    """The sound of a muscle without motor units."""

    low_hz: Uniform
    high_hz: Uniform
    order: Uniform
    gaussian_share: float
    evenness: Uniform
    shared: Uniform


@dataclass(frozen=True, slots=True)
class VoluntaryParameters:
    """Holds, repeated contractions and lasting tone."""

    level: Uniform
    duration_s: LogNormal
    long_duration_s: LogNormal
    rise_s: LogNormal
    fall_s: LogNormal
    drift: Uniform
    sway_hz: Uniform
    sway_depth: LogNormal
    tremor_share: float
    tremor_hz: Uniform
    tremor_depth: Uniform
    patch_share: float
    patch_width: Uniform
    width_factor: Uniform
    slowing_per_s: Uniform
    still_share: float
    move_g: Uniform
    tonic_duration_s: LogNormal
    tonic_multiple: LogNormal
    repeats: Uniform
    repeat_on_s: Uniform
    repeat_off_s: Uniform


@dataclass(frozen=True, slots=True)
class ExerciseParameters:
    """Sets of contractions of somebody awake."""

    sets: Uniform
    repeats: Uniform
    on_s: Uniform
    off_s: Uniform
    pace_cv: Uniform
    sustained_share: float
    sustained_s: Uniform
    residual_share: float
    residual: Uniform
    overshoot: Uniform
    posture_share: float
    posture_level: Uniform
    still_share: float
    move_g: Uniform
    swing_share: float
    swing_deg: Uniform


@dataclass(frozen=True, slots=True)
class MovementParameters:
    """Leg and body movements of sleep."""

    burst_s: LogNormal
    interval_s: LogNormal
    series_length: LogNormal
    burst_level: Uniform
    burst_mg: Uniform
    restless_bout_s: LogNormal
    restless_burst_s: Uniform
    restless_pause_s: Uniform
    rhythmic_hz: Uniform
    rhythmic_burst_s: Uniform
    rhythmic_length_s: LogNormal
    rhythmic_mg: Uniform
    twitch_uv: Uniform
    twitch_train_s: LogNormal
    shift_s: Uniform
    shift_g: Uniform
    shift_level: Uniform
    massage_s: LogNormal
    massage_hz: Uniform
    massage_mg: Uniform
    artefact_uv: LogNormal
    artefact_hz: Uniform
    artefact_turn_hz: float
    cable_share: float


@dataclass(frozen=True, slots=True)
class AmbulationParameters:
    """Being out of bed."""

    cadence_hz: Uniform
    walk_s: Uniform
    seat_s: Uniform
    upright_share: float
    sit_s: Uniform
    stand_s: Uniform
    bedside_s: LogNormal
    stand_level: Uniform
    sway_hz: Uniform
    push_off_level: Uniform
    raises: Uniform
    raise_s: Uniform
    raise_level: Uniform


@dataclass(frozen=True, slots=True)
class ArtefactParameters:
    """What electrodes, amplifiers and neighbours add."""

    hum_s: LogNormal
    hum_uv: LogNormal
    mains_drift_hz: float
    third_harmonic: Uniform
    second_harmonic: Uniform
    lift_off_s: LogNormal
    lift_off_flat_share: float
    lift_off_hum_uv: Uniform
    saturation_s: LogNormal
    pop_uv: LogNormal
    pop_decay_s: Uniform
    rub_s: LogNormal
    rub_uv: LogNormal
    sweat_s: LogNormal
    sweat_uv: LogNormal
    interference_s: LogNormal
    interference_uv: LogNormal
    tens_hz: Uniform
    syllable_hz: Uniform


@dataclass(frozen=True, slots=True)
class BackgroundParameters:
    """What is there all night."""

    floor_drift: float
    floor_drift_hours: float
    floor_step_share: float
    floor_step: LogNormal
    wander_uv: Uniform
    low_frequency_share: Uniform
    grain: Uniform
    grain_hz: Uniform
    acc_noise_g: Uniform
    acc_bias_g: float
    breath_mg: Uniform
    breath_hz: Uniform
    mount_roll_deg: float
    mount_tilt_deg: float


@dataclass(frozen=True, slots=True)
class StudyParameters:
    """Who takes part in a trial, and how diaries are kept."""

    age: Normal
    female_share: float
    enrolment_weeks: float
    bedtime_h: Normal
    reason_shares: tuple[float, ...]
    diary_recall: float
    diary_false_share: float
    diary_missing_share: float
    pain_factor: LogNormal
    false_minutes: LogNormal
    severity: Normal


@dataclass(frozen=True, slots=True)
class Suite:
    """What happens in a night, in bookings per hour.

    Attributes
    ----------
    base : str
        Suite this one starts from, empty for none.
    rates : mapping of str to float
        Of an average person; multiplied by the participant's propensity.
    fixed : mapping of str to float
        The same for everyone; these win over `rates` and over `base`.
    at_least : mapping of str to float
        Bookings that are made whatever the draw.
    cramps_from_participant : bool
        Whether cramps come at the participant's own rate if the plan names no number.
    """

    base: str
    rates: Mapping[str, float]
    fixed: Mapping[str, float]
    at_least: Mapping[str, float]
    cramps_from_participant: bool


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything the simulator assumes."""

    version: str
    participant: ParticipantParameters
    pool: PoolParameters
    cramp: CrampParameters
    course: CourseParameters
    noise: NoiseParameters
    voluntary: VoluntaryParameters
    exercise: ExerciseParameters
    movement: MovementParameters
    ambulation: AmbulationParameters
    artefact: ArtefactParameters
    background: BackgroundParameters
    study: StudyParameters
    suites: Mapping[str, Suite]
