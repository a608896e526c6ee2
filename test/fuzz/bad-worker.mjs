/** A worker whose cases end badly, each in its own way; of start-worker.test.ts. */
process.on('message', (/** @type {{ kind: string }} */ { kind }) => {
  switch (kind) {
    case 'right':
      process.send?.({ changes: ['nothing'] });
      break;
    case 'busy':
      for (;;);
    case 'aborts':
      process.abort();
      break;
    case 'exits':
      process.exit(3);
  }
});
