/** People say the last part of a model id where they mean all of it: `detector` for `acme/detector`. Pure. */
export function isCalled(modelId: string, name: string): boolean {
  return modelId === name || modelId.endsWith(`/${name}`);
}
