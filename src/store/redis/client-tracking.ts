// Hears from Redis which keys have changed (CLIENT TRACKING), and knows for how long it has been sure to hear it.
import { types } from 'node:util'
import type { Redis } from 'ioredis'

export interface ClientTracking {
  /** True while every change that is older than two seconds has been heard of. */
  isHeard(): boolean
  close(): void
}

interface Listener {
  changed(key: string): void
  /** Changes may have been missed. */
  missed(): void
  /** Redis will not tell of changes: no waiting mends that. */
  refused(why: string): void
}

const CHANNEL = '__redis__:invalidate'
const LONGEST_SILENCE_MILLISECONDS = 2000
const BEAT_MILLISECONDS = 500

/**
 * @param reading the connection whose reads are tracked
 * @param hearing a second one to the same server: ioredis drops what Redis would push on the first
 */
export function createClientTracking(reading: Redis, hearing: Redis, listener: Listener): ClientTracking {
  /** Changes with every connection that is made or lost. */
  let epoch = 0
  /** Everything that changed before was heard of. */
  let heardUntil = Number.NEGATIVE_INFINITY
  let isArmed = false
  let isArming = false

  hearing.on('messageBuffer', (_channel: Buffer, keys: Buffer | Buffer[] | null) => {
    // Without keys everything is gone: FLUSHALL.
    if (keys === null) listener.missed()
    else for (const key of [keys].flat()) listener.changed(key.toString())
  })
  for (const connection of [reading, hearing]) {
    connection.on('close', disarm)
    connection.on('ready', () => void arm())
  }
  const beat = setInterval(() => void (isArmed ? confirm() : arm()), BEAT_MILLISECONDS)
  beat.unref()
  void arm()

  function disarm(): void {
    epoch += 1
    isArmed = false
    listener.missed()
  }

  /** What fails here is tried again by the next beat. */
  async function arm(): Promise<void> {
    if (isArming || reading.status !== 'ready' || hearing.status !== 'ready') return
    isArming = true
    const mine = epoch
    try {
      // A connection that hears is allowed to ask for nothing else.
      await hearing.unsubscribe(CHANNEL)
      const [id, here, there] = await Promise.all([hearing.client('ID'), runId(hearing), runId(reading)])
      // After a failover one of the two may still be with the old master.
      if (here === undefined) listener.refused('its INFO has no run_id')
      if (here === undefined || here !== there) return
      await hearing.subscribe(CHANNEL)
      await reading.client('TRACKING', 'ON', 'REDIRECT', id)
      if (mine !== epoch) return
      isArmed = true
      await confirm()
    } catch (error) {
      disarm()
      if (isRefusal(error)) listener.refused(error.message)
    } finally {
      isArming = false
    }
  }

  /** What Redis sends comes in order: with this answer all is here that changed before the question. */
  async function confirm(): Promise<void> {
    const mine = epoch
    const askedAt = performance.now()
    try {
      await Promise.all([hearing.ping(), reading.ping()])
      if (mine === epoch) heardUntil = askedAt
    } catch {
      if (mine === epoch) disarm()
    }
  }

  return {
    isHeard: () => isArmed && performance.now() - heardUntil < LONGEST_SILENCE_MILLISECONDS,
    close() {
      clearInterval(beat)
      disarm()
    },
  }
}

/** Redis's own word, and not a connection that is lost or not ready, or a Redis that is starting. */
function isRefusal(error: unknown): error is Error {
  return types.isNativeError(error) && /^(?:NOPERM|ERR) /.test(error.message)
}

async function runId(connection: Redis): Promise<string | undefined> {
  return /run_id:(\w+)/.exec(await connection.info('server'))?.[1]
}
