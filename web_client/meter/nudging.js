/** What this observer may ask of the patient, as the server says. */

/** @import { Language, PromptText, ServerMessage } from '../protocol/types.js' */

/** Give it every message. */
export class Nudging {
  /** Whether this observer may send and mute prompts. */
  allowed = false;
  /** The prompts of the session's labels. @type {PromptText[]} */
  sendable = [];
  /** Ids of the prompts that a doctor muted for this visit. @type {ReadonlySet<string>} */
  muted = new Set();
  /** Ids of the prompts to which the patient said "not now". @type {readonly string[]} */
  declined = [];
  /** In the words that the patient read. @param {Language} language @returns {string[]} */
  declinedTexts(language) {
    return this.sendable.filter(({ id }) => this.declined.includes(id)).map(({ text }) => text[language]);
  }

  /** Whether the server refused the last one because there were too many. */
  tooSoon = false;

  /** @param {ServerMessage} message */
  receive(message) {
    switch (message.type) {
      case 'snapshot':
        this.allowed = (message.nudge ?? false) && !message.ended;
        this.sendable = message.sendable ?? [];
        this.muted = new Set(message.muted ?? []);
        this.declined = message.declined ?? [];
        break;
      case 'labels.updated':
        this.sendable = message.sendable ?? this.sendable;
        break;
      case 'prompt.muted':
        this.muted = new Set(message.ids);
        break;
      case 'prompt.declined':
        this.declined = message.ids;
        break;
      case 'prompt.raised':
        if (message.source === 'doctor') this.tooSoon = false;
        break;
      case 'error':
        this.tooSoon = message.error.code === 'too_many_prompts';
        break;
      case 'session.ended':
        this.allowed = false;
        break;
      default: // The others change nothing here.
    }
  }
}
