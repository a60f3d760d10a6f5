/** One rule that must always hold, as SQL over the rows of one snapshot; `now()` is a moment before that was taken. */
export interface Check {
  readonly name: string;
  /** What the rule says, in one sentence. */
  readonly rule: string;
  /** A query with one row and one column: how many things the rule is about. */
  readonly count: string;
  /** A query with one text column `name`: the rows that break the rule, each named so that it can be found. */
  readonly broken: string;
}
