// The bank's books: one account for each person, in memory, in cents.

export interface Account {
  balanceCents: number
  address: string
}

export interface Transfer {
  to: string
  amountCents: number
}

type Mistake = { mistake: string }

export interface Accounts {
  of(sub: string): Readonly<Account>
  /** Answers whether there was enough money. */
  transfer(sub: string, transfer: Transfer): boolean
  move(sub: string, address: string): void
}

const OPENING_BALANCE_CENTS = 1_000_00
const FIRST_ADDRESS = '1 Analytical Row, London'

export function createAccounts(): Accounts {
  const accounts = new Map<string, Account>()

  function accountOf(sub: string): Account {
    const account = accounts.get(sub) ?? { balanceCents: OPENING_BALANCE_CENTS, address: FIRST_ADDRESS }
    accounts.set(sub, account)
    return account
  }

  return {
    of: accountOf,

    transfer(sub, { amountCents }) {
      const account = accountOf(sub)
      if (account.balanceCents < amountCents) return false
      account.balanceCents -= amountCents
      return true
    },

    move(sub, address) {
      accountOf(sub).address = address
    },
  }
}

/** What a browser sent as a transfer, or what is wrong with it. */
export function readTransfer(body: unknown): Transfer | Mistake {
  const { to, amount } = fieldsOf(body)
  if (typeof to !== 'string' || to.trim() === '' || to.length > 70) {
    return { mistake: '"to" must be a name of 1 to 70 characters.' }
  }
  const amountCents = typeof amount === 'number' ? Math.round(amount * 100) : Number.NaN
  if (!Number.isSafeInteger(amountCents) || amountCents < 1 || euros(amountCents) !== amount) {
    return { mistake: '"amount" must be a number of euros above 0, with two decimals at most.' }
  }
  return { to: to.trim(), amountCents }
}

/** The same of a new address. */
export function readAddress(body: unknown): { address: string } | Mistake {
  const { address } = fieldsOf(body)
  if (typeof address !== 'string' || address.trim() === '' || address.length > 120) {
    return { mistake: '"address" must be 1 to 120 characters.' }
  }
  return { address: address.trim() }
}

export function euros(cents: number): number {
  return cents / 100
}

function fieldsOf(body: unknown): Record<string, unknown> {
  return (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
}
