/** Loads the program of a process that another one started. */

/**
 * Where the program cannot be loaded, because there are no more files or there is no memory for it, the process that
 * wanted it gets what `toMessage` makes of that, and this one ends. Node alone would print its stack.
 */
export async function loadOrTell(
  load: () => Promise<unknown>,
  toMessage: (error: unknown) => object,
): Promise<void> {
  try {
    await load();
  } catch (error) {
    if (process.send === undefined) throw error;
    process.exitCode = 1;
    process.send(toMessage(error), undefined, {}, () => {
      process.exit();
    });
  }
}
