import type { Refused } from './messages.ts';

/** Why a model is not good, inside a probe's process. */
export class Refusal extends Error {
  readonly code: Refused['code'];
  readonly phase: Refused['phase'];

  constructor(code: Refused['code'], message: string, phase?: Refused['phase']) {
    super(message);
    this.code = code;
    this.phase = phase;
  }
}
