// It knows `prompt=select_account`.
import { withPrompts } from '../../support/provider/prompts.ts'
import type { Habit } from '../habit.ts'

export const accountChooser: Habit = { configure: (given) => withPrompts(given) }
