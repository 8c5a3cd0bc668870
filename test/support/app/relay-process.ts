// An app with a relay as a process of its own, compiled beforehand as what is published is.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { exchange } from '../browser/http-exchange.ts'
import { within } from '../deadline.ts'
import type { TestProvider } from '../provider/provider.ts'
import { resolveOptions } from './app-options.ts'

export interface RelayMemory {
  /** what is still held after everything was collected that could be */
  heldBytes: number
  /** the most that the process ever had, garbage and Node.js itself with it */
  peakBytes: number
}

export interface RelayProcess {
  readonly url: string
  memory(): Promise<RelayMemory>
  stop(): Promise<void>
}

/** `/api` goes to the target. */
export async function startRelayProcess(provider: TestProvider, target: string): Promise<RelayProcess> {
  const child = fork(join(import.meta.dirname, 'relay-main.mjs'), {
    execArgv: ['--expose-gc'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const exited = once(child, 'exit')
  const said = async () => (await within(once(child, 'message'), 'the process of the relay'))[0]

  async function stop() {
    child.kill('SIGKILL')
    await exited
  }

  try {
    const url = `http://localhost:${await said()}`
    const options = await resolveOptions({ provider }, url)
    child.send({ sources: pathToFileURL(process.env.TEST_PACKAGE ?? '').href, options, target })
    await said()
    return {
      url,
      memory: async () => JSON.parse((await exchange({ method: 'GET', url })).body),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
