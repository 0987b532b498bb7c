/**
 * Keeps a daemon, and commands that move gigabytes, small. Its data lie in reused buffers outside the heap, and its hot loops in native code, so that V8 gains
 * nothing from growing the young generation, from a generous old one (25 MB of resident memory), nor from compiling
 * functions before they are called. Must run before their modules are loaded; an embedding program decides for
 * itself.
 */
import { setFlagsFromString } from 'node:v8';

export function keepMemoryLean(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--max-lazy');
}
