// wait.mjs - waiting with a limit.

export const sleep = (ms) => new Promise((over) => setTimeout(over, ms));

// Asks probe() until it gives something true; its value.
export async function until(what, probe, { limit = 30_000, every = 50 } = {}) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${limit / 1000} s: ${what}`);
    await sleep(every);
  }
}
