// The faults a test can put in front of Redis: hold a command or its answer, refuse, delay.
import { createSignal, type Signal, within } from '../deadline.ts'
import type { Match } from './commands.ts'

/** 'before' Redis sees the command, or 'after' it ran it but before the client hears of it. */
export type Moment = 'before' | 'after'

export type Verdict = 'pass' | 'cut'

export interface HeldCommand {
  /** the command is here, or Redis's answer to it (the ten seconds for it begin when this is read) */
  readonly arrived: Promise<void>
  /** lets it go on */
  release(): void
  /** resets the connection in its place */
  drop(): void
}

interface Armed {
  moment: Moment
  match: Match
  arrived: Signal
  verdict: Signal<Verdict>
}

export interface CommandFaults {
  hold(moment: Moment, match: Match): HeldCommand
  refuse(match: Match, error: string): void
  delay(ms: number): void
  /** disarms everything and lets go of what is held, or cuts it */
  clear(verdict?: Verdict): void
  /** ends when nothing holds this command any more */
  passing(moment: Moment, args: string[]): Verdict | Promise<Verdict>
  /** the error that is this command's answer */
  refusal(args: string[]): string | undefined
  delayMs(): number
}

export function createCommandFaults(): CommandFaults {
  let armed: Armed[] = []
  const held = new Set<Armed>()
  let refusals: { match: Match; error: string }[] = []
  let delayMs = 0
  return {
    hold(moment, match) {
      const fault: Armed = { moment, match, arrived: createSignal(), verdict: createSignal<Verdict>() }
      armed.push(fault)
      held.add(fault)
      return {
        get arrived() {
          return within(fault.arrived.promise, `a held Redis ${moment === 'before' ? 'command' : 'answer'}`)
        },
        release: () => fault.verdict.resolve('pass'),
        drop: () => fault.verdict.resolve('cut'),
      }
    },
    refuse: (match, error) => void refusals.push({ match, error }),
    delay(ms) {
      delayMs = ms
    },
    clear(verdict = 'pass') {
      for (const fault of held) fault.verdict.resolve(verdict)
      held.clear()
      armed = []
      refusals = []
      delayMs = 0
    },
    passing(moment, args) {
      const fault = armed.find((each) => each.moment === moment && each.match(args))
      if (!fault) return 'pass'
      armed = armed.filter((each) => each !== fault)
      fault.arrived.resolve()
      return fault.verdict.promise
    },
    refusal: (args) => refusals.findLast(({ match }) => match(args))?.error,
    delayMs: () => delayMs,
  }
}
