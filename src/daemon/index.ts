/** The program: a node with its HTTP edge, opened and closed as one. */
export { openDaemon } from './daemon.ts';
