// The command as a process of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Nothing of this test run's own environment comes with it but where the programs are. */
export async function runDoctor(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [process.env.TEST_DOCTOR ?? '', ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const read = async (stream: NodeJS.ReadableStream) => {
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(Buffer.from(chunk))
    return `${Buffer.concat(chunks)}`
  }
  const [stdout, stderr, [code]] = await Promise.all([
    read(child.stdout),
    read(child.stderr),
    once(child, 'close'),
  ])
  return { code, stdout, stderr }
}
