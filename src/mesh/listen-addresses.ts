/** Keeps the ports that the system chose, so that a restart within one life of the program comes back at the same place. */

/** `/ip4/0.0.0.0/tcp/0` and what was opened for it, `/ip4/10.0.0.2/tcp/40123` → `/ip4/0.0.0.0/tcp/40123`. Pure. */
export function withKnownPorts(listen: readonly string[], opened: readonly string[]): string[] {
  const free = new Set(opened);
  return listen.map((wanted) => {
    if (!/\/tcp\/0(\/|$)/.test(wanted)) return wanted;
    const match = [...free].find((address) => shapeOf(address) === shapeOf(wanted));
    const port = match === undefined ? undefined : portOf(match);
    if (port === undefined) return wanted;
    for (const address of opened) if (portOf(address) === port) free.delete(address);
    return wanted.replace(/\/tcp\/0(\/|$)/, `/tcp/${port}$1`);
  });
}

/** What follows the address and port: two listeners of one shape are alike. */
function shapeOf(address: string): string {
  return address.replace(/^\/(ip[46])\/[^/]+\/tcp\/\d+/, '$1');
}

function portOf(address: string): string | undefined {
  return /\/tcp\/(\d+)/.exec(address)?.[1];
}
