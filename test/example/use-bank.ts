// The bank of a file or block of tests: open before them, closed after them.
import { useStarted } from '../support/servers.ts'
import { type BankHours, type OpenBank, openBank } from './open-bank.ts'

export function useBank(hours?: BankHours): OpenBank {
  return useStarted(async () => {
    const bank = await openBank(hours)
    return { ...bank, stop: () => bank.close() }
  })
}
