// Commands of one turn of the event loop leave for Redis together: each by itself would cost a system call.
import { type Cluster, Redis } from 'ioredis'

/** @returns to be called before a command is sent */
export function createGathering(redis: Redis | Cluster): () => void {
  // A Cluster has a connection to each of its nodes.
  if (!(redis instanceof Redis)) return () => undefined
  let isGathering = false

  return () => {
    const { stream } = redis
    if (isGathering || !stream) return
    isGathering = true
    stream.cork()
    // After all that has arrived by now was looked at.
    setImmediate(() => {
      isGathering = false
      stream.uncork()
    })
  }
}
