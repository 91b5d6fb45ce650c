// What the audio thread has and a page has not. lib.dom.d.ts does not describe it.

declare const sampleRate: number;

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  abstract process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}

declare function registerProcessor(
  name: string,
  processor: new (options: { processorOptions?: any }) => AudioWorkletProcessor,
): void;
