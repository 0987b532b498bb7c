/** What is wrong with rules, and what they can be held against. Spec: docs/spec/18-rules.md §4. */

/** What is wrong at a place of the document; the reader finds the line. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly severity?: 'warning';
}

/** What a text can be held against; warnings come of it. */
export interface RuleSurroundings {
  /** Roles of the mesh's nodes, beside the well-known ones. */
  readonly roles?: readonly string[];
  /** Versions that are known, by model id. Undefined: nothing is said of models and ranges. */
  readonly versions?: ReadonlyMap<string, readonly string[]>;
}
