/**
 * Streamgrad in a Flink DataStream job: an operator that predicts every record and learns the labelled ones, a wait for
 * labels that come late, and map functions for what is simple. Begin with {@link dev.streamgrad.flink.Streamgrad}.
 */
package dev.streamgrad.flink;
