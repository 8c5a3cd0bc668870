// The bank's books: one account for each person, in memory, in cents.

export interface Account {
  balanceCents: number
}

export interface Transfer {
  to: string
  amountCents: number
}

const OPENING_BALANCE_CENTS = 1_000_00

export function createAccounts() {
  const accounts = new Map<string, Account>()

  function accountOf(sub: string): Account {
    const account = accounts.get(sub) ?? { balanceCents: OPENING_BALANCE_CENTS }
    accounts.set(sub, account)
    return account
  }

  return {
    balanceOf: (sub: string): number => euros(accountOf(sub).balanceCents),

    /** Answers whether there was enough money. */
    transfer(sub: string, { amountCents }: Transfer): boolean {
      const account = accountOf(sub)
      if (account.balanceCents < amountCents) return false
      account.balanceCents -= amountCents
      return true
    },
  }
}

/** What a browser sent as a transfer, or what is wrong with it. */
export function readTransfer(body: unknown): Transfer | { mistake: string } {
  const { to, amount } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  if (typeof to !== 'string' || to.trim() === '' || to.length > 70) {
    return { mistake: '"to" must be a name of 1 to 70 characters.' }
  }
  const amountCents = typeof amount === 'number' ? Math.round(amount * 100) : Number.NaN
  if (!Number.isSafeInteger(amountCents) || amountCents < 1 || euros(amountCents) !== amount) {
    return { mistake: '"amount" must be a number of euros above 0, with two decimals at most.' }
  }
  return { to: to.trim(), amountCents }
}

export function euros(cents: number): number {
  return cents / 100
}
