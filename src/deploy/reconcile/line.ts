/** Work that is done one at a time, over all runs. */
export class Line {
  #last: Promise<unknown> = Promise.resolve();

  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
