// The soak's end of the provider process: its methods as if they were here.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { within } from '../test/support/deadline.ts'
import type { ProviderMethods } from './provider-main.ts'

export type SoakProvider = {
  [Name in keyof ProviderMethods]: (
    ...args: Parameters<ProviderMethods[Name]>
  ) => Promise<Awaited<ReturnType<ProviderMethods[Name]>>>
} & { stop(): Promise<void> }

interface Answer {
  id: number
  result?: unknown
  error?: string
}

const CALL_MS = 30_000

export async function startSoakProvider(): Promise<SoakProvider> {
  const child = fork(fileURLToPath(new URL('./provider-main.ts', import.meta.url)), [], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  let calls = 0
  const exited = once(child, 'exit')
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })

  function answerTo(id: number): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    const died = exited.then(() => {
      throw new Error('the provider process ended')
    })
    return within(Promise.race([answer, died]), 'an answer of the provider process', CALL_MS)
  }

  async function call(method: string, args: unknown[]): Promise<unknown> {
    const id = ++calls
    const answer = answerTo(id)
    child.send({ id, method, args })
    const { result, error } = await answer
    if (error !== undefined) throw new Error(`the provider's ${method}(): ${error}`)
    return result
  }

  async function stop() {
    child.kill('SIGKILL')
    await exited
  }

  await answerTo(0)
  return new Proxy({} as SoakProvider, {
    get(_target, name) {
      // A promise is known by its `then`, and this is none.
      if (name === 'then' || typeof name !== 'string') return undefined
      return name === 'stop' ? stop : (...args: unknown[]) => call(name, args)
    },
  })
}
