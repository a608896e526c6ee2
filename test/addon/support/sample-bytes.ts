/** Content for tests: the same for the same seed, on any machine. */
import { createCipheriv, createHash } from 'node:crypto';

/** `size` bytes that nothing compresses. */
export function noiseBytes(size: number, seed = 'noise'): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** `size` bytes that compress like text: words of a small vocabulary in a random order. */
export function textBytes(size: number, seed = 'text'): Buffer {
  const choices = noiseBytes(Math.ceil(size / 4) + 1, seed);
  const words = Array.from({ length: 256 }, (_, index) =>
    createHash('sha256')
      .update(`${seed} ${index}`)
      .digest('hex')
      .slice(0, 3 + (index % 7)),
  );
  const parts: string[] = [];
  for (let length = 0, index = 0; length < size; index += 1) {
    const word = `${words[choices[index] ?? 0] ?? ''} `;
    parts.push(word);
    length += word.length;
  }
  return Buffer.from(parts.join('')).subarray(0, size);
}
