USE labs;
SET @m = NULL;
-- Train the model
CALL sys.ML_TRAIN('labs.`people-train`', 'y',
  JSON_OBJECT('task', 'classification', 'model_list', JSON_ARRAY('GaussianNB')), @m);
# 9.5.0 shows it
SELECT COUNT(*) AS trained FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = @m;
CALL sys.ML_MODEL_LOAD(@m, NULL);
CALL sys.ML_SCORE("labs.`people-train`", 'Y', @m, 'balanced_accuracy', @score, NULL); SELECT @score > 0.6 AS good;
CALL sys.ML_SCORE('`labs`.`people-train`', 'y', @m, 'accuracy', @score);
SELECT @score > 0.6 AS good_too;;
SET @row = JSON_OBJECT("age", 61, "job", "nurse", "balance", LN(1201.00));
SELECT JSON_PRETTY(sys.ML_PREDICT_ROW(@row, @m, NULL)) AS pretty\G
SELECT sys.ML_PREDICT_ROW(@row, @m) LIKE '%"Prediction": "yes"%' AS short;
select @p := sys.ML_PREDICT_ROW('{"age":"61","job":"nurse","balance":"0.5"}', @m, NULL) LIKE '%yes%' AS text;
SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('age', t.age, 'job', t.job, 'balance', t.balance), @m, NULL) LIKE '{%' AS by_table FROM `people-train` t WHERE t.age > 20 LIMIT 1;
DROP TABLE IF EXISTS labs.people_out;
CREATE TABLE people20 AS SELECT * FROM `people-train` LIMIT 20;
CALL sys.ML_PREDICT_TABLE('labs.people20', @m, 'labs.people_out');
SELECT COUNT(*) AS predicted FROM people_out
  WHERE Prediction = JSON_UNQUOTE(JSON_EXTRACT(ml_results, '$.predictions.y'));
SELECT MAX(CAST(JSON_UNQUOTE(JSON_EXTRACT(ml_results, '$.probabilities."yes"')) AS DECIMAL(12,10))) <= 1 AS shares FROM people_out;
SELECT JSON_PRETTY(sys.ML_EXPLAIN_ROW(@row, @m, JSON_OBJECT('prediction_explainer', 'permutation_importance'))) LIKE '%age_attribution%' AS why;
CALL sys.ML_EXPLAIN_TABLE('labs.people20', @m, 'labs.people_why', JSON_OBJECT('prediction_explainer', 'permutation_importance', 'model_explainer', 'shap'));
SELECT COUNT(*) AS explained FROM people_why WHERE Notes LIKE '%predicting%';
CALL sys.ML_EXPLAIN('labs.people-train', 'y', @m, JSON_OBJECT('model_explainer', 'shap', 'prediction_explainer', 'permutation_importance'));
SELECT JSON_EXTRACT(model_explanation, '$.shap') IS NOT NULL AS by_shap
  FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle COLLATE utf8mb4_0900_ai_ci = @m;
select @own:='prices-01' AS chosen;
CALL sys.ML_TRAIN('labs.prices', 'price', CAST('{"task": "regression", "model_list": ["LinearRegression"], "notes": "a lab"}' AS JSON), @own);
SET @latest = (SELECT model_handle FROM ML_SCHEMA_admin.MODEL_CATALOG ORDER BY model_id DESC LIMIT 1);
SELECT @latest = @own AS latest;
CALL sys.ML_SCORE('labs.prices', 'price', 'prices-01', 'r2', @s, NULL);
SELECT @s > 0.9 AS fits;
SELECT JSON_EXTRACT(model_metadata, '$.notes') AS notes FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'prices-01' AND model_metadata NOT LIKE '%Error%';
CALL sys.ML_MODEL_ACTIVE('current', @info);
SELECT JSON_CONTAINS_PATH(@info, 'one', '$[1]."prices-01"') AS active;
CALL sys.ml_model_unload(@m);
CALL sys.ML_MODEL_UNLOAD('prices-01');
PREPARE p FROM "SELECT sys.ML_PREDICT_ROW(CAST(? AS JSON), ?, NULL) LIKE '%Prediction%' AS prepared";
SET @json = '{"area": 100, "town": "A"}';
EXECUTE p USING @json, @own;
USE ML_SCHEMA_admin;
SELECT COUNT(*) AS described FROM (SELECT * FROM MODEL_CATALOG) t WHERE train_table_name = 'labs.people-train';
DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE train_table_name IN ('labs.people-train', 'labs.prices');
SELECT COUNT(*) AS chunks_left FROM model_object_catalog WHERE model_handle IN (@m, @own);
