//! Which ops a graph may hold: a graph is code, and a bundle may come from anywhere.

/// What an op means for the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    /// It reaches beyond the process.
    Reaches(&'static str),
    /// It holds a value of its own between runs.
    Variable,
}

const FILES: &[&str] = &[
    "DecodeProtoV2",
    "DTensorRestoreV2",
    "EncodeProtoV2",
    "FileSystemSetConfiguration",
    "GenerateVocabRemapping",
    "ImmutableConst",
    "ImportEvent",
    "InitializeTableFromTextFile",
    "InitializeTableFromTextFileV2",
    "LoadAndRemapMatrix",
    "MatchingFiles",
    "MergeV2Checkpoints",
    "PrintV2",
    "ReadFile",
    "Restore",
    "RestoreSlice",
    "RestoreV2",
    "Save",
    "SaveSlices",
    "SaveV2",
    "WriteFile",
];
const NETWORK: &[&str] = &["_HostRecv", "_HostSend", "_Recv", "_Send", "DeleteRpcFutureResource", "RemoteCall"];
const PYTHON: &[&str] = &["EagerPyFunc", "PyFunc", "PyFuncStateless"];
const LIBRARIES: &[&str] = &["TfLiteSubgraphExecute", "TRTEngineOp", "XlaCustomCall", "XlaCustomCallV2"];
const VARIABLES: &[&str] = &[
    "AnonymousHashTable",
    "AssignVariableOp",
    "AutoReloadVariable",
    "HashTable",
    "HashTableV2",
    "MutableDenseHashTable",
    "MutableDenseHashTableV2",
    "MutableHashTable",
    "MutableHashTableV2",
    "ReadVariableOp",
    "TemporaryVariable",
    "VarHandleOp",
    "_VarHandlesOp",
    "Variable",
    "VariableV2",
];

/// Families of ops, by what their names hold: readers, data sets and the writers of summaries; ops that talk to other
/// processes and devices. Debug ops publish what they see to a file or an address.
const FILE_FAMILIES: &[&str] = &[
    "Dataset",
    "Reader",
    "SummaryWriter",
    "SummaryFileWriter",
    "SummaryDbWriter",
    "WriteSummary",
    "WriteScalarSummary",
    "WriteHistogramSummary",
    "WriteImageSummary",
    "WriteAudioSummary",
    "WriteGraphSummary",
    "WriteRawProtoSummary",
    "DebugIdentity",
    "DebugNanCount",
    "DebugNumericSummary",
];
const NETWORK_FAMILIES: &[&str] = &["Collective", "CrossReplica", "DataService", "Infeed", "Outfeed", "Rpc", "TPU"];

pub(super) fn judge(op: &str) -> Verdict {
    let family = |names: &[&str]| names.iter().any(|name| op.contains(name));
    if VARIABLES.contains(&op) {
        Verdict::Variable
    } else if PYTHON.contains(&op) {
        Verdict::Reaches("Python")
    } else if NETWORK.contains(&op) || family(NETWORK_FAMILIES) {
        Verdict::Reaches("the network")
    } else if LIBRARIES.contains(&op) {
        Verdict::Reaches("other libraries")
    } else if FILES.contains(&op) || family(FILE_FAMILIES) {
        Verdict::Reaches("files")
    } else {
        Verdict::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_by_what_an_op_reaches() {
        for op in
            ["MatMul", "Placeholder", "StatelessRandomUniformV2", "StatelessWhile", "PartitionedCall", "StringToHashBucketFast", "Sigmoid"]
        {
            assert_eq!(judge(op), Verdict::Fine, "{op}");
        }
        assert_eq!(judge("ReadFile"), Verdict::Reaches("files"));
        assert_eq!(judge("TFRecordDatasetV2"), Verdict::Reaches("files"));
        assert_eq!(judge("EagerPyFunc"), Verdict::Reaches("Python"));
        assert_eq!(judge("RpcCall"), Verdict::Reaches("the network"));
        assert_eq!(judge("VarHandleOp"), Verdict::Variable);
    }
}
