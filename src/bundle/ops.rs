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
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "Save",
    "SaveSlices",
    "SaveV2",
    "Restore",
    "RestoreSlice",
    "RestoreV2",
    "MergeV2Checkpoints",
    "ShardedFilename",
    "ShardedFilespec",
    "LoadAndRemapMatrix",
    "GenerateVocabRemapping",
    "InitializeTableFromTextFile",
    "InitializeTableFromTextFileV2",
    "PrintV2",
    "Print",
    "CheckpointSaver",
    "FileSystemSetConfiguration",
    "ImmutableConst",
    "BoostedTreesDeserializeEnsemble",
    "AudioSummary",
    "IdentityReader",
    "IdentityReaderV2",
    "SdcaShrinkL1",
    "Stage",
    "DumpToFile",
];
const NETWORK: &[&str] = &[
    "_Send",
    "_Recv",
    "_HostSend",
    "_HostRecv",
    "Send",
    "Recv",
    "RpcCall",
    "RpcClient",
    "RpcServer",
    "RpcServerStart",
    "RpcServerRegister",
    "Rpc",
    "TryRpc",
    "RemoteCall",
    "MasterRun",
    "DeleteRpcFutureResource",
    "RpcGetValue",
    "RpcCheckStatus",
];
const PYTHON: &[&str] = &["PyFunc", "PyFuncStateless", "EagerPyFunc"];
const LIBRARIES: &[&str] =
    &["TfLiteSubgraphExecute", "ConfigureAndInitializeGlobalTPU", "XlaCustomCall", "XlaCustomCallV2", "_XlaHostComputeMlir", "TRTEngineOp"];
const VARIABLES: &[&str] = &[
    "VarHandleOp",
    "_VarHandlesOp",
    "Variable",
    "VariableV2",
    "TemporaryVariable",
    "AutoReloadVariable",
    "ReadVariableOp",
    "AssignVariableOp",
    "HashTable",
    "HashTableV2",
    "MutableHashTable",
    "MutableHashTableV2",
    "AnonymousHashTable",
    "MutableDenseHashTable",
    "MutableDenseHashTableV2",
];

/// Families of ops, by what their names begin or end with or hold.
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
    "ImportEvent",
    "Lmdb",
    "BigQuery",
    "DecodeVideo",
    "DebugIdentity",
    "DebugNanCount",
    "DebugNumericSummary",
    "Snapshot",
];
const NETWORK_FAMILIES: &[&str] = &["DistributedTPU", "Collective", "DataService", "CrossReplica", "TPU", "Outfeed", "Infeed"];

pub(super) fn judge(op: &str) -> Verdict {
    let family = |names: &[&str]| names.iter().any(|name| op.contains(name));
    if VARIABLES.contains(&op) {
        Verdict::Variable
    } else if PYTHON.contains(&op) || op.ends_with("PyFunc") {
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
