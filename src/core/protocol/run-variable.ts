/** The variable that marks every process of a run, so that a later runner finds those that are left. */
export const RUN_VARIABLE = "TRAILHAND_RUN";

/** The setting that marks the repository of a run. */
export const RUN_SETTING = "trailhand.run";
