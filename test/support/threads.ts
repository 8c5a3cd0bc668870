// The threads on which Node.js checks signatures and reads files, kept busy for as long as a test wants.
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** libuv's own number; a test that changes it has to say so. */
const THREADS = Number(process.env.UV_THREADPOOL_SIZE ?? 4)

export interface HeldThreads {
  release(): Promise<void>
}

/** What needs such a thread from now on waits for the release. */
export function holdThreads(): HeldThreads {
  const folder = mkdtempSync(join(tmpdir(), 'held-threads-'))
  const pipes = Array.from({ length: THREADS }, (_, index) => join(folder, String(index)))
  execFileSync('mkfifo', pipes)
  // Who opens a pipe to read waits, on its thread, for somebody who opens it to write.
  const readers = pipes.map((pipe) => open(pipe, 'r'))
  return {
    async release() {
      for (const pipe of pipes) closeSync(openSync(pipe, 'w'))
      for (const reader of await Promise.all(readers)) await reader.close()
      rmSync(folder, { recursive: true })
    },
  }
}
