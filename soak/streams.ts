// Streams of faults, all at once and each from the seed: one fault after another, with a time to recover between them.
import { createRandom, type Random } from './random.ts'
import type { Tally } from './tally.ts'

export interface Stream {
  readonly name: string
  /** milliseconds from the end of one to the next, at least and at most */
  readonly pauses: readonly [number, number]
  /** @returns what makes one fault, and resolves when it is over */
  begin(random: Random): () => Promise<void>
}

/** Resolves when the last one is over, and everything runs. */
export type StopStreams = () => Promise<void>

export const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))

export function startStreams(seed: number, tally: Tally, streams: readonly Stream[]): StopStreams {
  let going = true

  async function run({ name, pauses, begin }: Stream) {
    const random = createRandom(seed, name)
    const fault = begin(random)
    while (going) {
      await pause(random.between(...pauses))
      if (going) await fault()
    }
  }

  const running = streams.map((stream) =>
    run(stream).catch((error: unknown) => {
      tally.wrong(
        "the soak's own machinery failed",
        `${stream.name}: ${error instanceof Error ? error.stack : error}`,
      )
      going = false
    }),
  )

  return async () => {
    going = false
    await Promise.all(running)
  }
}
