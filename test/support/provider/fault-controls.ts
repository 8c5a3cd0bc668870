// The words a test uses to arm faults; every one of them is a handler around the real provider.
import type { Aim, Answer, Faults, Hold, Moment } from './faults.ts'
import type { Endpoint, SeenRequest } from './seen-requests.ts'

export type Json = Record<string, unknown>

export interface FaultControls {
  /** stops the next request there until `release()` */
  holdNext(endpoint: Endpoint, aim?: Aim & { mode?: Moment }): Hold
  /** answers the next request in the provider's place */
  answerNext(endpoint: Endpoint, answer: Answer, aim?: Aim | number): void
  /** answers all requests in the provider's place, until `normal()` */
  answerAll(endpoint: Endpoint, answer: Answer, aim?: Aim): void
  /** lets the provider answer, and changes the JSON that it answered */
  rewriteNext(endpoint: Endpoint, rewrite: (json: Json) => Json | Promise<Json>, aim?: Aim): void
  /** lets the provider answer, and makes of all its answers there what `change` makes of them */
  changeAll(endpoint: Endpoint, change: (answer: Answer, seen: SeenRequest) => Promise<Answer>): void
  /** resets the connection: before the provider hears of it, after it has rotated, or in the middle of its answer */
  cutNext(endpoint: Endpoint, mode?: Moment | 'midway', aim?: Aim): void
  cutAll(endpoint: Endpoint, mode?: Moment | 'midway', aim?: Aim): void
  /** makes the next request slow; the provider handles it at once ('after') or only then ('before', unless told) */
  delayNext(endpoint: Endpoint, ms: number, aim?: Aim & { mode?: Moment }): void
  delayAll(endpoint: Endpoint, ms: number, aim?: Aim & { mode?: Moment }): void
  /** no faults any more; what is held goes on */
  normal(endpoint?: Endpoint): void
}

const ALL = { times: Number.POSITIVE_INFINITY }

export function createFaultControls(faults: Faults): FaultControls {
  function cut(endpoint: Endpoint, mode: Moment | 'midway', aim: Aim) {
    faults.arm(endpoint, aim, async (forward) => {
      if (mode === 'before') return 'cut'
      const answer = await forward()
      return mode === 'after' ? 'cut' : { cutMidway: answer }
    })
  }

  function delay(endpoint: Endpoint, ms: number, { mode = 'before', ...aim }: Aim & { mode?: Moment }) {
    const pause = () => new Promise<void>((resolve) => void setTimeout(resolve, ms).unref())
    faults.arm(endpoint, aim, async (forward) => {
      if (mode === 'before') await pause()
      const answer = await forward()
      if (mode === 'after') await pause()
      return answer
    })
  }

  return {
    holdNext: (endpoint, aim = {}) => faults.hold(endpoint, aim),
    answerNext: (endpoint, answer, aim = {}) =>
      faults.arm(endpoint, typeof aim === 'number' ? { times: aim } : aim, async () => answer),
    answerAll: (endpoint, answer, aim = {}) => faults.arm(endpoint, { ...aim, ...ALL }, async () => answer),
    rewriteNext(endpoint, rewrite, aim = {}) {
      faults.arm(endpoint, aim, async (forward) => {
        const answer = await forward()
        return { ...answer, body: JSON.stringify(await rewrite(JSON.parse(String(answer.body)))) }
      })
    },
    changeAll: (endpoint, change) =>
      faults.arm(endpoint, ALL, async (forward, seen) => change(await forward(), seen)),
    cutNext: (endpoint, mode = 'before', aim = {}) => cut(endpoint, mode, aim),
    cutAll: (endpoint, mode = 'before', aim = {}) => cut(endpoint, mode, { ...aim, ...ALL }),
    delayNext: (endpoint, ms, aim = {}) => delay(endpoint, ms, aim),
    delayAll: (endpoint, ms, aim = {}) => delay(endpoint, ms, { ...aim, ...ALL }),
    normal: (endpoint) => faults.clear(endpoint),
  }
}
