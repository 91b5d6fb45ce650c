/**
 * The messages of `tingqing.v1` that this client reads, as JSDoc types. `server/wire/` defines them, and
 * docs/protocol.md explains them. Only the fields that the client reads are listed. Nothing is exported at run time.
 *
 * @typedef {'zh' | 'en'} Language
 * @typedef {{zh: string, en: string}} Text
 * @typedef {Text & {code?: string}} Notice
 * @typedef {'clear' | 'usable' | 'poor' | 'nodata'} Grade
 * @typedef {'accept' | 're-record' | 'unusable'} Verdict
 * @typedef {'quality' | 'content'} Kind
 * @typedef {'too_short' | 'no_speech' | 'processing_enabled' | 'needs_clap' | 'needs_transcript' | 'no_evidence'
 *   | 'shed' | 'unscorable'} Why why a label has no score
 * @typedef {'silent_input' | 'clipping' | 'scoring_lag' | 'processing_enabled' | 'audio_gap' | 'expiring'
 *   | 'not_what_was_declared'} WarningCode
 *
 * @typedef {{id: string, title: Text, kind: Kind, threshold: number, prompt?: string | null}} Label
 * @typedef {{score: number | null, why?: Why | null}} LabelScore
 * @typedef {{score: number | null, grade: Grade, passed: boolean, verdict: Verdict | null, assessed: string}} Overall
 * @typedef {{start_s: number, end_s: number, why: string}} Span
 * @typedef {{id: string, title: Text, score: number}} Interference
 * @typedef {{id: string, title: Text, start_s: number, end_s: number, score: number}} SoundEvent
 * @typedef {{start_s: number, end_s: number}} Stretch
 * @typedef {{id: string, role: 'patient' | 'other' | 'far_end', speech_s: number, speech_dbfs: number | null,
 *   snr_db: number | null, speech_rate_sps?: number | null, faint: boolean, spans: Stretch[]}} Voice
 * @typedef {{count: number, longest_s: number}} Pauses
 * @typedef {'snr_db' | 'noise_dbfs' | 'speech_dbfs' | 'speech_ratio' | 'speech_rate_sps' | 'bandwidth_hz'
 *   | 'clipping_ratio' | 'dropout_ratio' | 'reverberation' | 'mos_overall'} MeasureName
 * @typedef {Partial<Record<MeasureName, number | null>> & {pauses?: Pauses | null}} Measures
 *
 * @typedef {'microphone' | 'file' | 'line' | 'telephone'} Source
 * @typedef {{source: Source, echoCancellation?: boolean, noiseSuppression?: boolean,
 *   autoGainControl?: boolean}} Capture
 * @typedef {'room' | 'as_heard'} Basis What is judged: older servers do not say.
 *
 * @typedef {{session_id: string, resume_token: string}} VoiceOf a microphone check that has ended; secret
 *
 * @typedef {{type: 'session.started', session_id: string, resume_token: string, next_sample: number,
 *   config: {capture: Capture}, limits: {resume_ttl_s: number}, labels: Label[], basic_mode: boolean,
 *   basis?: Basis, notices?: Notice[]}} SessionStarted
 * @typedef {{type: 'audio.ack', samples: number}} AudioAck
 * @typedef {{type: 'level', peak_dbfs: number, speaking: boolean}} Level
 * @typedef {{type: 'quality.update', seq: number, window: {end_s: number, speech_ratio: number},
 *   labels: Record<string, LabelScore>, recent: Record<string, number | null>, overall: Overall, measures: Measures,
 *   session: {unusable_spans?: Span[]}, interference?: Interference[], events?: SoundEvent[],
 *   voices?: Voice[]}} QualityUpdate
 * @typedef {{type: 'speech.started' | 'speech.stopped', at_s: number}} SpeechMessage
 * @typedef {{id: string, label: string, text: Text, audience: 'patient' | 'doctor',
 *   source?: 'listener' | 'doctor'}} Prompt
 *   `source`: who asks; older servers do not say
 * @typedef {{id: string, text: Text}} PromptText
 * @typedef {{type: 'prompt.raised'} & Prompt} PromptRaised
 * @typedef {{type: 'prompt.cleared'} & Prompt} PromptCleared
 * @typedef {{type: 'prompt.muted', ids: string[]}} PromptMuted
 * @typedef {{type: 'prompt.declined', ids: string[]}} PromptDeclined to which the patient said "not now"
 * @typedef {{type: 'warning', code: WarningCode, guess?: string | null}} Warning
 * @typedef {{type: 'heartbeat'}} Heartbeat
 * @typedef {{type: 'go_away', time_left_s: number, resumable?: boolean}} GoAway
 * @typedef {{type: 'labels.updated', labels: Label[], notices?: Notice[], sendable?: PromptText[]}} LabelsUpdated
 * @typedef {{type: 'session.state', state: 'live' | 'paused' | 'reconnecting', left?: boolean}} SessionStateMessage
 *   `left`: the patient closed or left the page
 * @typedef {{title: Text, kind: Kind, score: number | null, threshold: number, why?: Why | null,
 *   state?: 'stated' | 'denied' | 'not_heard' | null, heard_at_s?: number | null,
 *   expects?: 'any' | 'stated' | 'denied' | null}} ResultLabel
 * @typedef {{id: string, labels: Record<string, ResultLabel>, overall: Overall, advice: Text, prompts?: string[],
 *   source?: {duration_s: number}, unusable_spans: Span[],
 *   not_heard: string[], measures: Measures, basis?: Basis, interference: Interference[], events: SoundEvent[],
 *   voices?: Voice[], notices?: Notice[], windows?: object[]}} Result
 * @typedef {{type: 'session.ended', reason: string, result: Result,
 *   windows?: {count: number, path: string} | null}} SessionEnded
 * @typedef {{id: string, text: string, start_s: number, end_s: number, speaker?: 'patient' | 'doctor' | 'other',
 *   final: boolean, language?: string}} Segment
 * @typedef {{type: 'said', labels: Record<string, {state: 'stated' | 'denied' | 'not_heard', strength: number,
 *   heard_at_s: number | null}>, missing: string[]}} Said to observers alone
 * @typedef {{type: 'snapshot', session_id: string, state: 'live' | 'paused' | 'reconnecting' | 'ended',
 *   labels: Label[], basic_mode: boolean, basis?: Basis, capture: Capture,
 *   update: QualityUpdate | null, prompts: Prompt[],
 *   warnings: WarningCode[], ended: SessionEnded | null, notices?: Notice[], nudge?: boolean,
 *   sendable?: PromptText[], muted?: string[], declined?: string[], left?: boolean, said?: Said | null,
 *   trend?: {at_s: number, score: number | null}[]}} Snapshot
 * @typedef {{urls: string[], username?: string, credential?: string}} IceServer
 * @typedef {'patient' | 'doctor'} CallRole
 * @typedef {Record<string, unknown>} Signal what one browser of a call tells the other, as it is
 * @typedef {{type: 'call.joined', role: CallRole, seat: string, present: boolean, meeting: number,
 *   ice_servers: IceServer[]}} CallJoined
 * @typedef {{type: 'call.peer', present: boolean, meeting: number, left?: boolean}} CallPeer
 * @typedef {{type: 'call.signal', meeting: number, signal: Signal}} CallSignal
 * @typedef {CallJoined | CallPeer | CallSignal | Heartbeat | ErrorMessage} CallServerMessage
 *
 * @typedef {{code: string, message: string, retry_after_s?: number | null}} Refusal
 * @typedef {{type: 'error', error: Refusal}} ErrorMessage
 *
 * @typedef {SessionStarted | AudioAck | Level | QualityUpdate | SpeechMessage | PromptRaised | PromptCleared
 *   | PromptMuted | PromptDeclined | Warning | Heartbeat | GoAway | LabelsUpdated | SessionStateMessage
 *   | SessionEnded | Said | Snapshot | ErrorMessage} ServerMessage
 */

export {};
