/** Every mistake of a file that somebody wrote, with its line. Pure. */

interface Problem {
  readonly line: number;
  readonly path: string;
  readonly message: string;
}

/** Of several: a single one is in the error's message already. What is no problem is left out. */
export function describeProblems(value: unknown): string[] {
  const problems = Array.isArray(value) ? value.filter(isProblem) : [];
  if (problems.length < 2) return [];
  return problems.map(({ line, path, message }) => `line ${line}${path === '' ? '' : `, ${path}`}: ${message}`);
}

function isProblem(value: unknown): value is Problem {
  const { line, path, message } = (value ?? {}) as Partial<Record<keyof Problem, unknown>>;
  return typeof line === 'number' && typeof path === 'string' && typeof message === 'string';
}
