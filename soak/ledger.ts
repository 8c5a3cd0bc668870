// What the provider of a soak saw of every refresh token: who presented it, when, and whether it was rotated.
import { type SeenRequest, sha256 } from '../test/support/provider/seen-requests.ts'

export interface Presentation {
  readonly hash: string
  readonly user: string | undefined
  readonly via: string
  readonly at: number
  readonly endedAt: number | undefined
  readonly status: number | undefined
  /** when the provider spent the token: from then on its holder alone has the next one */
  readonly rotatedAt: number | undefined
}

export interface LedgerFigures {
  presented: number
  rotated: number
  /** the same token came while it was on its way already */
  twiceInFlight: number
  /** some of them */
  doubles: { first: Presentation; second: Presentation }[]
  /** it came again after an attempt that had not spent it */
  againUnspent: number
  /** it came again after it was spent */
  againSpent: number
}

interface Row {
  readonly seen: SeenRequest
  readonly user: string | undefined
  /** the token had been spent when it came */
  readonly spent: boolean
  rotatedAt: number | undefined
}

const KEPT_PER_USER = 6
const KEPT_DOUBLES = 20
const FORGET_AFTER_MS = 120_000

export function createLedger() {
  const owners = new Map<string, string>()
  const latest = new Map<string, Row>()
  const byUser = new Map<string, Row[]>()
  const figures = { presented: 0, rotated: 0, twiceInFlight: 0, againUnspent: 0, againSpent: 0 }
  const doubles: [Row, Row][] = []

  function forgetOld(now: number) {
    // The order of a Map is that of arrival.
    for (const [hash, { seen, rotatedAt }] of latest) {
      if (now - seen.at < FORGET_AFTER_MS) return
      if (rotatedAt === undefined && seen.endedAt === undefined) continue
      latest.delete(hash)
      owners.delete(hash)
    }
  }

  return {
    issued(token: string, user: string) {
      owners.set(sha256(token), user)
    },

    presented(seen: SeenRequest) {
      const hash = seen.refreshTokenHash ?? ''
      const before = latest.get(hash)
      const spent = before !== undefined && (before.spent || before.rotatedAt !== undefined)
      const row: Row = { seen, user: owners.get(hash), spent, rotatedAt: undefined }
      figures.presented += 1
      if (before !== undefined) {
        if (spent) figures.againSpent += 1
        else figures.againUnspent += 1
        if (before.seen.endedAt === undefined) {
          figures.twiceInFlight += 1
          if (doubles.length < KEPT_DOUBLES) doubles.push([before, row])
        }
      }
      latest.delete(hash)
      latest.set(hash, row)
      const own = byUser.get(row.user ?? '') ?? []
      byUser.set(row.user ?? '', [...own, row].slice(-KEPT_PER_USER))
      forgetOld(seen.at)
    },

    rotated(token: string) {
      figures.rotated += 1
      const row = latest.get(sha256(token))
      if (row) row.rotatedAt = Date.now()
    },

    history: (user: string): Presentation[] => (byUser.get(user) ?? []).map(toPresentation),
    forget: (user: string) => void byUser.delete(user),

    figures: (): LedgerFigures => ({
      ...figures,
      doubles: doubles.map(([first, second]) => ({
        first: toPresentation(first),
        second: toPresentation(second),
      })),
    }),
  }
}

function toPresentation({ seen, user, rotatedAt }: Row): Presentation {
  const { refreshTokenHash: hash = '', via = '', at, endedAt, status } = seen
  return { hash, user, via, at, endedAt, status, rotatedAt }
}
