// Beside a LiveKit room (livekit-client 2) that this page has connected and whose microphone is published.

/**
 * @param room the connected `Room`
 * @param {{TingqingClient, server, token, language}} ready of visit.js
 * @returns the client, which ends with the call
 */
export function listen(room, { TingqingClient, server, token, language }) {
  const sent = () => room.localParticipant.getTrackPublication('microphone')?.track?.mediaStreamTrack;
  const client = new TingqingClient({ server, token, source: sent(), mode: 'visit', language });
  const isOurs = (publication, participant) => participant.isLocal && publication.source === 'microphone';
  room
    // The doctor's voice from the loudspeaker is not the patient's.
    .on('trackSubscribed', (track) => {
      if (track.kind === 'audio') client.farEnd(new MediaStream([track.mediaStreamTrack]));
    })
    .on('trackMuted', (publication, participant) => isOurs(publication, participant) && client.pause())
    .on('trackUnmuted', (publication, participant) => {
      if (!isOurs(publication, participant)) return;
      client.setSource(sent()); // by its settings LiveKit opens another one
      client.resume();
    })
    .on('activeDeviceChanged', (kind) => kind === 'audioinput' && client.setSource(sent()))
    .on('disconnected', () => client.finish());
  for (const participant of room.remoteParticipants.values()) {
    const heard = participant.getTrackPublication('microphone')?.track; // who came before us
    if (heard) client.farEnd(new MediaStream([heard.mediaStreamTrack]));
  }
  void client.start();
  return client;
}
