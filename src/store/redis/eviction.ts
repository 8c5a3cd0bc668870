// Whether Redis may drop sessions to make room for others, which nobody hears of but those who are logged out.

/** @param info what `INFO memory` answers @returns one line for operators, or undefined */
export function evictionFault(info: string): string | undefined {
  const read = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]
  const policy = read('maxmemory_policy') ?? 'noeviction'
  if (policy === 'noeviction' || read('maxmemory') === '0') return undefined
  return `may drop sessions when its memory is full, which logs people out: its maxmemory-policy is ${policy.slice(0, 40)}; set it to noeviction, or give sessions a Redis of their own`
}
