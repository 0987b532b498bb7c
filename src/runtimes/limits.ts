import { GiB, KiB, type LimitTable, limitValues } from '../core/index.ts';

export const RUNTIMES_LIMIT_TABLE = {
  probeBaseMs: { value: 60_000, why: 'a probe’s time, whatever the model: small ones need less than a second' },
  probeMsPerGiB: { value: 60_000, why: 'and more for what is read from a slow disk' },
  probeBaseMemoryBytes: { value: GiB, why: 'resident memory of a probe: the runtime itself needs a tenth of it' },
  probeMemoryPerModelByte: { value: 3, why: 'weights as read, as packed for the processor, and activations' },
  probeMemoryShare: { value: 0.8, why: 'of the machine’s memory: the node and its owner’s programs need the rest' },
  probeHeapMB: { value: 256, why: 'JavaScript heap of a probe’s process; tensors lie outside' },
  memoryCheckMs: { value: 20, why: 'how often a probe’s memory is looked at: 20 ms fill less than 100 MB' },
  memoryCheckByPsMs: { value: 250, why: 'the same where there is no /proc and a program has to be asked' },
  orphanCheckMs: { value: 500, why: 'how often a probe looks whether its node is still there' },
  closeGraceMs: { value: 1_000, why: 'how long the pipes of a process that has ended are still read' },
  answerBytes: { value: 64 * KiB, why: 'an answer is one short line; the process that gives it may be taken over' },
  stderrBytes: { value: 4 * KiB, why: 'kept of what a runtime says; the end names the cause' },
  runtimeWordsChars: { value: 500, why: 'of a runtime’s message: its text is partly the model’s' },
  goldenValues: { value: 65_536, why: 'a manifest is small; golden values show that a model works, not how well' },
  goldenDimensions: { value: 8, why: 'no model’s input has more' },
  zeroInputValues: { value: 16_777_216, why: 'zeros made for declared inputs: 64 MiB of them as floats' },
  folderEntries: { value: 10_000, why: 'looked at in a model’s folder' },
} as const satisfies LimitTable;

export const RUNTIMES_LIMITS = limitValues(RUNTIMES_LIMIT_TABLE);
