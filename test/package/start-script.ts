// A script of a project, run as its owner would run it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { exchange } from '../support/browser/http-exchange.ts'
import { eventually, within } from '../support/deadline.ts'

export interface RunningScript {
  output(): string
  /** asks it to end; resolves with its exit code */
  sigterm(): Promise<number | null>
  stop(): Promise<void>
}

/** Resolves when `answersAt` answers. The environment is empty but for what node needs and what is given. */
export async function startScript(
  cwd: string,
  args: string[],
  answersAt: string,
  environment: Record<string, string> = {},
): Promise<RunningScript> {
  const child = spawn(process.execPath, args, { cwd, env: { PATH: process.env.PATH ?? '', ...environment } })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  const exited = once(child, 'exit')
  const died = exited.then(() => {
    throw new Error(`the script ended:\n${Buffer.concat(output)}`)
  })
  died.catch(() => {})
  async function stop() {
    child.kill('SIGKILL')
    await within(exited, 'the script to end')
  }
  try {
    const answer = async () => child.exitCode !== null || (await exchange({ method: 'GET', url: answersAt }))
    await Promise.race([died, eventually(`${answersAt} to answer`, answer, 20_000)])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    output: () => `${Buffer.concat(output)}`,
    async sigterm() {
      child.kill('SIGTERM')
      return (await within(exited, 'the script to end'))[0]
    },
    stop,
  }
}
