/** One browser's link to the other: sound and picture both ways. "Perfect negotiation" (W3C WebRTC, 10.7). */

/**
 * @import { IceServer, Signal } from '../protocol/types.js'
 *
 * @typedef {{onSignal: (signal: Signal) => void, onRemote: (stream: MediaStream) => void,
 *   onLink: (link: 'finding' | 'linked' | 'broken') => void}} PeerListeners
 */

/** Of one meeting; make another for the next, and `close` this one. */
export class Peer {
  /**
   * @param {IceServer[]} iceServers
   * @param {boolean} polite gives way where both sides offer at once; one of the two is
   * @param {PeerListeners} listeners
   */
  constructor(iceServers, polite, listeners) {
    this.#polite = polite;
    this.#listeners = listeners;
    this.#link = new RTCPeerConnection({ iceServers });
    this.#begun = !polite;
    this.#link.onnegotiationneeded = () => {
      if (this.#begun) void this.#offer();
    };
    this.#link.onicecandidate = ({ candidate }) => {
      if (candidate) listeners.onSignal({ candidate: candidate.toJSON() });
    };
    this.#link.ontrack = ({ track }) => this.#heard(track);
    this.#link.onconnectionstatechange = () => this.#changed();
    // Something to offer, also of who sends nothing.
    if (!polite) this.#link.addTransceiver('audio', { direction: 'recvonly' });
  }

  #polite;
  #listeners;
  #link;
  /** The polite side waits for the first offer: Chromium that takes back its own first one gathers no candidates. */
  #begun;
  #offering = false;
  #ignoring = false;
  #senders = /** @type {Map<MediaStreamTrack, RTCRtpSender>} */ (new Map());
  #remote = new MediaStream();
  /** One signal after the other: a candidate must not overtake its description. */
  #before = Promise.resolve();

  /** @param {MediaStreamTrack} track */
  add(track) {
    if (!this.#senders.has(track)) this.#senders.set(track, this.#link.addTrack(track));
  }

  /** @param {MediaStreamTrack} track */
  remove(track) {
    const sender = this.#senders.get(track);
    if (sender) this.#link.removeTrack(sender);
    this.#senders.delete(track);
  }

  /** From the other side. @param {Signal} signal */
  take(signal) {
    this.#before = this.#before.then(() => this.#take(signal)).catch(() => this.#listeners.onLink('broken'));
  }

  close() {
    this.#link.onnegotiationneeded = this.#link.onicecandidate = this.#link.ontrack = null;
    this.#link.onconnectionstatechange = null;
    this.#link.close();
  }

  async #offer() {
    try {
      this.#offering = true;
      await this.#link.setLocalDescription();
      this.#tell();
    } catch {
      // Closed meanwhile: another meeting has begun.
    } finally {
      this.#offering = false;
    }
  }

  #tell() {
    const description = this.#link.localDescription?.toJSON();
    if (description) this.#listeners.onSignal({ description });
  }

  /** @param {Signal} signal */
  async #take({ description, candidate }) {
    if (description) {
      await this.#describe(/** @type {RTCSessionDescriptionInit} */ (description));
    } else if (candidate && !this.#ignoring) {
      await this.#link.addIceCandidate(/** @type {RTCIceCandidateInit} */ (candidate));
    }
  }

  /** @param {RTCSessionDescriptionInit} description */
  async #describe(description) {
    const collides = description.type === 'offer' && (this.#offering || this.#link.signalingState !== 'stable');
    this.#ignoring = !this.#polite && collides;
    if (this.#ignoring) return;
    await this.#link.setRemoteDescription(description);
    if (description.type !== 'offer') return;
    this.#begun = true;
    await this.#link.setLocalDescription();
    this.#tell();
  }

  /** @param {MediaStreamTrack} track */
  #heard(track) {
    for (const old of this.#remote.getTracks()) if (old.kind === track.kind) this.#remote.removeTrack(old);
    this.#remote.addTrack(track);
    // A camera that was turned off leaves a muted track, and its last picture.
    const shown = () => this.#remote.getTracks().filter(({ kind, muted }) => kind === 'audio' || !muted);
    const show = () => this.#listeners.onRemote(new MediaStream(shown()));
    track.onmute = track.onunmute = show;
    show();
  }

  #changed() {
    const { connectionState } = this.#link;
    if (connectionState === 'connected') this.#listeners.onLink('linked');
    if (connectionState === 'disconnected') this.#listeners.onLink('finding');
    if (connectionState === 'failed') {
      this.#listeners.onLink('broken');
      this.#link.restartIce();
    }
  }
}
