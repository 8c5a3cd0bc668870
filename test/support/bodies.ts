// The whole of a stream. Not as `node:stream/consumers` reads it, by way of a Blob: a test run reads a hundred thousand.
import type { Readable } from 'node:stream'

export function readAll(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    stream
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .once('end', () => resolve(Buffer.concat(chunks)))
      .once('error', reject)
      .once('close', () => reject(new Error('the stream was closed before its end')))
  })
}
