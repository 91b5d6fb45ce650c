/**
 * The messages of `tingqing.v1` that this client reads, as JSDoc types. `server/wire/` is the truth; docs/protocol.md
 * explains them. Nothing is exported at run time.
 *
 * @typedef {'zh' | 'en'} Language
 * @typedef {{zh: string, en: string}} Text
 * @typedef {'clear' | 'usable' | 'poor' | 'nodata'} Grade
 * @typedef {'accept' | 're-record' | 'unusable'} Verdict
 * @typedef {{id: string, title: Text, kind: 'quality' | 'content', threshold: number, prompt: string | null}} Label
 * @typedef {{score: number | null, why?: string | null}} LabelScore
 * @typedef {{score: number | null, grade: Grade, passed: boolean, verdict: Verdict | null, assessed: string}} Overall
 * @typedef {{start_s: number, end_s: number, why: string}} Span
 * @typedef {{id: string, title: Text, score: number}} Interference
 * @typedef {{id: string, title: Text, start_s: number, end_s: number, score: number}} SoundEvent
 *
 * @typedef {{source: 'microphone' | 'file' | 'line', echoCancellation?: boolean, noiseSuppression?: boolean,
 *   autoGainControl?: boolean}} Capture
 * @typedef {{type: 'session.started', session_id: string, resume_token: string, next_sample: number,
 *   config: {capture: Capture}, limits: {resume_ttl_s: number}, labels: Label[], basic_mode: boolean,
 *   notices?: Text[]}} SessionStarted
 * @typedef {{type: 'quality.update', seq: number, window: {start_s: number, end_s: number, speech_ratio: number},
 *   labels: Record<string, LabelScore>, recent: Record<string, number | null>, overall: Overall,
 *   session: {labels: Record<string, number | null>, overall: Overall, unusable_spans?: Span[]},
 *   measures: Record<string, number | null>, interference?: Interference[], events?: SoundEvent[]}} QualityUpdate
 * @typedef {{type: 'prompt.raised' | 'prompt.cleared', id: string, label: string, text: Text,
 *   audience: 'patient' | 'doctor'}} PromptMessage
 * @typedef {{title: Text, kind: 'quality' | 'content', score: number | null, threshold: number,
 *   why?: string | null, state?: 'stated' | 'denied' | 'not_heard' | null, heard_at_s?: number | null,
 *   expects?: 'any' | 'stated' | 'denied' | null}} ResultLabel
 * @typedef {{id: string, labels: Record<string, ResultLabel>, overall: Overall, advice: Text, prompts: string[],
 *   unusable_spans: Span[], not_heard: string[], not_assessed: string[],
 *   measures: Record<string, number | null>, interference: Interference[], events: SoundEvent[],
 *   notices?: Text[]}} Result
 * @typedef {{type: 'session.ended', reason: string, result: Result}} SessionEnded
 * @typedef {{type: 'snapshot', session_id: string, state: 'live' | 'paused' | 'reconnecting' | 'ended',
 *   labels: Label[], basic_mode: boolean, capture: Capture, update: QualityUpdate | null, prompts: PromptMessage[],
 *   warnings: string[], ended: SessionEnded | null, notices?: Text[]}} Snapshot
 * @typedef {{type: 'error', error: {code: string, message: string, retry_after_s?: number | null}}} ErrorMessage
 *
 * @typedef {{type: string} & Record<string, any>} ServerMessage any of them, told apart by `type`
 */

export {};
