/** A function in schema rivulet that is not a trigger function. */
export interface LogFunction {
  /** Arguments, result and properties: what stands between the name and `as`. */
  readonly head: string;
  readonly body: string;
}
