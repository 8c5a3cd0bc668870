// Why a session was lost: the one excuse is a holder that died, or stood still past its lease, before it could store.
import type { Fleet } from './fleet.ts'
import type { Presentation } from './ledger.ts'

export interface Loss {
  readonly user: string
  readonly excused: boolean
  readonly reason: string
  readonly history: readonly Presentation[]
}

export interface Lost {
  user: string
  id: string
  /** the code of the 401 that told of it */
  code: string
}

/** A holder that lives stores within this time of the answer: the longest fault of Redis, and its next try after that. */
const STORED_WITHIN_MS = 10_000

export function judge(
  { user, id, code }: Lost,
  history: readonly Presentation[],
  fleet: Fleet,
  leaseMs: number,
): Loss {
  const loss = (excused: boolean, reason: string): Loss => ({ user, excused, reason, history })
  const last = history.findLast(({ rotatedAt }) => rotatedAt !== undefined)
  if (last === undefined) return loss(false, `${code}, and the provider never rotated a token of it`)
  const holder = fleet.byName(last.via)
  if (holder === undefined)
    return loss(false, `${code}; the last token went to an unknown process "${last.via}"`)
  const { killedAt, longestPause } = holder
  const landedAt = holder.front.landedAt(id) ?? 0
  if (landedAt >= last.at) return loss(false, `${code}, although ${holder.name} had stored the last token`)
  // What a dead process sent may reach the provider a moment after its end.
  const answeredAt = last.endedAt ?? last.at
  if (last.status === undefined && answeredAt > last.at && answeredAt < (killedAt ?? Date.now()))
    return loss(false, `${code}; ${holder.name} lived, and did not wait for the answer to the last rotation`)
  if (killedAt !== undefined && killedAt - answeredAt < STORED_WITHIN_MS)
    return loss(true, 'holder killed between rotation and commit')
  if (longestPause >= leaseMs) return loss(true, 'holder stopped past its lease')
  if (killedAt !== undefined)
    return loss(
      false,
      `${code}; ${holder.name} was killed ${killedAt - answeredAt} ms after the answer to the last rotation`,
    )
  return loss(false, `${code}; ${holder.name} lives, and did not store the last token`)
}
