/** One rule that must always hold, as SQL over the rows of one snapshot; `now()` is an instant before the snapshot. */
export interface Check {
  readonly name: string;
  /** The rule in one sentence. */
  readonly rule: string;
  /** A query with one row and one column: the number of things that the rule applies to. */
  readonly count: string;
  /** A query with one text column `name`: identifies each row that breaks the rule. */
  readonly broken: string;
}
