CREATE DATABASE ml_data;
USE ml_data;

SET @db_list = '["ml_data"]';
SET @ext_tables = '[{
  "db_name": "ml_data",
  "tables": [{
    "table_name": "bank_marketing",
    "dialect": {"format": "csv", "field_delimiter": ";", "record_delimiter": "\\n", "has_header": true},
    "file": [{"par": "<PAR_URL>"}]
  }]
}]';
SET @options = JSON_OBJECT('external_tables', CAST(@ext_tables AS JSON));
CALL sys.heatwave_load(@db_list, @options);

DESCRIBE bank_marketing;
SELECT y, COUNT(*), AVG(balance) FROM bank_marketing GROUP BY y ORDER BY y;

SET @model = 'model_bank';
CALL sys.ML_TRAIN('ml_data.bank_marketing', 'y', JSON_OBJECT('task', 'classification'), @model);
SELECT model_handle, model_type, model_metadata->>'$.training_score' AS training_score
  FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = @model;

CALL sys.ML_MODEL_LOAD(@model, NULL);
CALL sys.ML_SCORE('ml_data.bank_marketing', 'y', @model, 'accuracy', @score, NULL);
SELECT @score;

CREATE TABLE bank_marketing_test AS SELECT * FROM bank_marketing LIMIT 20;
CALL sys.ML_PREDICT_TABLE('ml_data.bank_marketing_test', @model, 'ml_data.bank_marketing_predictions', NULL);
SELECT job, duration, poutcome, Prediction, ml_results FROM bank_marketing_predictions LIMIT 5;

CALL sys.ML_EXPLAIN_TABLE('ml_data.bank_marketing_test', @model, 'ml_data.bank_marketing_explanations',
  JSON_OBJECT('prediction_explainer', 'permutation_importance'));
SELECT Prediction, Notes FROM bank_marketing_explanations LIMIT 5;

SELECT JSON_PRETTY(sys.ML_PREDICT_ROW(JSON_OBJECT(
    'age', t.age, 'job', t.job, 'marital', t.marital, 'education', t.education,
    'default', t.default, 'balance', t.balance, 'housing', t.housing, 'loan', t.loan,
    'contact', t.contact, 'day', t.day, 'month', t.month, 'duration', t.duration,
    'campaign', t.campaign, 'pdays', t.pdays, 'previous', t.previous,
    'poutcome', t.poutcome), @model, NULL)) AS prediction
  FROM bank_marketing_test t LIMIT 1 \G
