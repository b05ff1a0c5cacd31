import keras
import pytest

M = keras.metrics


@pytest.mark.parametrize(
    ("metric", "classes", "loss", "kind"),
    [
        ("accuracy", 1, "binary_crossentropy", "accuracy"),
        ("acc", 3, "categorical_crossentropy", "accuracy"),
        (M.BinaryAccuracy(), 1, "binary_crossentropy", "accuracy"),
        (M.SparseCategoricalAccuracy(), 3, "sparse_categorical_crossentropy", "accuracy"),
        (M.sparse_categorical_accuracy, 3, "sparse_categorical_crossentropy", "accuracy"),
        ("AUC", 1, "binary_crossentropy", "auc"),
        (M.AUC, 1, "binary_crossentropy", "auc"),
        ("BinaryCrossentropy", 1, "binary_crossentropy", "logloss"),
        ("logloss", 3, "sparse_categorical_crossentropy", "logloss"),
        ("mae", 2, "mse", "mae"),
        ("MAE", 2, "mse", "mae"),
        (M.RootMeanSquaredError(name="error"), 2, "mse", "rmse"),
        ("root_mean_squared_error", 2, "mse", "rmse"),
    ],
)
def test_metrics_that_the_core_computes(metric, classes, loss, kind, export, classifier):
    manifest = export(classifier(classes, "sigmoid"), loss=loss, metrics=[metric])
    entry = manifest["metrics"][0]
    assert (entry["kind"], entry["output"], entry["from_logits"]) == (kind, "kind", False)
    shown = (
        metric if isinstance(metric, str) else getattr(metric, "name", None) or getattr(metric, "__name__", "").lower()
    )
    assert entry["name"] == (shown if isinstance(shown, str) else "auc")


def test_top_k_keeps_its_k(export, refused, classifier):
    metrics = [M.TopKCategoricalAccuracy(2, name="best_two"), M.SparseTopKCategoricalAccuracy(3)]
    entries = export(classifier(4), loss="sparse_categorical_crossentropy", metrics=metrics)["metrics"]
    assert [(entry["name"], entry["k"]) for entry in entries] == [
        ("best_two", 2), ("sparse_top_k_categorical_accuracy", 3),
    ]  # fmt: skip
    assert "k=5" in refused(
        classifier(4), loss="sparse_categorical_crossentropy", metrics=["top_k_categorical_accuracy"]
    )


def test_logits_are_known_from_the_loss(export, refused, classifier):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    metrics = ["auc", M.BinaryAccuracy(threshold=0.0)]
    assert all(entry["from_logits"] for entry in export(classifier(1, None), loss=loss, metrics=metrics)["metrics"])
    assert "threshold=0" in refused(classifier(1, None), loss=loss, metrics=[M.BinaryAccuracy()])


def test_errors_of_logits_are_those_of_the_logits(export, classifier):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    entries = export(classifier(1, None), loss=loss, metrics=["mae", "accuracy"])["metrics"]
    assert [entry["from_logits"] for entry in entries] == [False, True]


def test_classes_of_each_step_of_a_series(export):
    model = keras.Sequential([keras.Input((5, 2)), keras.layers.Dense(3, "softmax", name="kind")])
    entries = export(model, loss="sparse_categorical_crossentropy", metrics=["accuracy", "logloss"])["metrics"]
    assert [entry["kind"] for entry in entries] == ["accuracy", "logloss"]


def test_metrics_by_output(export, refused):
    x = keras.Input((2,), name="x")
    model = keras.Model(x, {"a": keras.layers.Dense(1, "sigmoid")(x), "b": keras.layers.Dense(1)(x)})
    arguments = {"loss": {"a": "bce", "b": "mse"}, "label": {"a": "f", "b": "g"}}
    entries = export(model, metrics={"a": ["auc", "auc"], "b": "mae"}, **arguments)["metrics"]
    assert [(entry["name"], entry["output"]) for entry in entries] == [("a_auc", "a"), ("a_auc_1", "a"), ("b_mae", "b")]
    assert "dict by output" in refused(model, metrics=["auc"], **arguments)
    assert "['c']" in refused(model, metrics={"c": "auc"}, **arguments)
    assert "has no loss" in refused(model, metrics={"b": "mae"}, loss={"a": "bce"}, label="f")


@pytest.mark.parametrize(
    "metric", ["precision", "mse", M.F1Score(), lambda y, p: p, M.Accuracy(), "nonsense", M.AUC(thresholds=[0.5])]
)
def test_other_metrics_are_refused(metric, refused, classifier):
    assert "not among those the core computes" in refused(
        classifier(1, "sigmoid"), loss="binary_crossentropy", metrics=[metric]
    )


@pytest.mark.parametrize(
    "metric",
    [M.AUC(curve="PR"), M.AUC(num_thresholds=50), M.AUC(multi_label=True, num_labels=1), M.BinaryAccuracy(threshold=0.7),
     M.BinaryCrossentropy(label_smoothing=0.1)],
)  # fmt: skip
def test_settings_that_make_it_another_metric_are_refused(metric, refused, classifier):
    assert "is not among those" in refused(classifier(1, "sigmoid"), loss="binary_crossentropy", metrics=[metric])


@pytest.mark.parametrize(
    ("metric", "classes", "loss"),
    [("auc", 3, "categorical_crossentropy"), ("accuracy", 1, "mse"), ("accuracy", 3, "bce"), ("top_k", 1, "bce"),
     ("mae", 3, "sparse_categorical_crossentropy"), ("logloss", 1, "mse")],
)  # fmt: skip
def test_metrics_that_do_not_fit_the_loss_are_refused(metric, classes, loss, refused, classifier):
    assert f"metric '{metric}' on output 'kind' needs" in refused(
        classifier(classes, "sigmoid"), loss=loss, metrics=[metric]
    )
