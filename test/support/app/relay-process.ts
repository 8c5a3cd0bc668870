// An app with a relay as a process of its own, compiled beforehand as what is published is.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { exchange } from '../browser/http-exchange.ts'
import { within } from '../deadline.ts'
import type { TestProvider } from '../provider/provider.ts'
import { resolveOptions } from './app-options.ts'

export interface RelayProcess {
  readonly url: string
  /** the most that the process ever had in memory */
  peakMegabytes(): Promise<number>
  stop(): Promise<void>
}

/** `/api` goes to the target. */
export async function startRelayProcess(provider: TestProvider, target: string): Promise<RelayProcess> {
  const child = fork(join(import.meta.dirname, 'relay-main.mjs'), {
    // As docs/relay.md says for small containers: what is not collected yet differs by 50 MB from run to run otherwise.
    execArgv: ['--max-semi-space-size=2'],
    // What glibc has freed and keeps, thread by thread, differs by 20 MB from run to run and is nobody's memory.
    env: { ...process.env, NODE_OPTIONS: '', MALLOC_ARENA_MAX: '1' },
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
      async peakMegabytes() {
        const { body } = await exchange({ method: 'GET', url })
        return JSON.parse(body).peakKilobytes / 1024
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
